-- time: loops where errors are caught, with all steps
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	while true do
		pcall(function() while true do end end)
	end
end)
