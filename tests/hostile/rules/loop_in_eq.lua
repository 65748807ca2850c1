-- steps: loops in __eq
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local t = setmetatable({}, { __eq = function() while true do end end })
	return t == setmetatable({}, getmetatable(t))
end)
