-- steps: inserts into a table that says it is long
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	table.insert(setmetatable({}, { __len = function() return 1 << 60 end }), 1, "x")
end)
