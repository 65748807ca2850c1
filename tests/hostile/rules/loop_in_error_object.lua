-- steps: loops in the __tostring of an error
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local t = setmetatable({}, { __tostring = function() while true do end end })
	error(t)
end)
