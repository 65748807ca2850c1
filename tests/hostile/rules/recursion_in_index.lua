-- error: calls itself through __index
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local t = {}
	setmetatable(t, { __index = function(of, key) return of[key + 1] end })
	return t[1]
end)
