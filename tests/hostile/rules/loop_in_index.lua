-- steps: loops in __index
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local t = setmetatable({}, { __index = function() while true do end end })
	return t.x
end)
