-- none: logs a thousand lines a snapshot
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	for i = 1, 1000 do
		xa.log("warn", "noise " .. i)
	end
end)
