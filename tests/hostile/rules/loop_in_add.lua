-- steps: loops in __add
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local t = setmetatable({}, { __add = function() while true do end end })
	return t + 1
end)
