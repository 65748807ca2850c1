-- steps: recurs where errors are caught
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local function down()
		pcall(down)
		return down()
	end
	while true do
		pcall(down)
	end
end)
