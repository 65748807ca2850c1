-- memory: calls itself
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local function down()
		return 1 + down()
	end
	down()
end)
