-- error: raises what raises when it is shown
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local meta = {}
	meta.__tostring = function()
		error(setmetatable({}, meta))
	end
	error(setmetatable({}, meta))
end)
