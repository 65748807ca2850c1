-- error: calls itself through gsub
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local function down()
		("x"):gsub(".", down)
	end
	down()
end)
