-- steps: loops in __newindex
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local t = setmetatable({}, { __newindex = function() while true do end end })
	t.x = 1
end)
