-- steps: loops in __lt
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local t = setmetatable({}, { __lt = function() while true do end end })
	return t < 1
end)
