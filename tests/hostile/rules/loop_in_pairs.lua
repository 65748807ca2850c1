-- steps: loops in __pairs
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local t = setmetatable({}, { __pairs = function() while true do end end })
	pairs(t)
end)
