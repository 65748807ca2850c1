-- steps: joins a table that says it is long
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local meta = { __len = function() return 1 << 60 end, __index = function() return "" end }
	table.concat(setmetatable({}, meta))
end)
