-- steps: loops in __concat
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local t = setmetatable({}, { __concat = function() while true do end end })
	return t .. ""
end)
