-- error: is its own __index
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local t = {}
	setmetatable(t, { __index = t })
	return t.x.y
end)
