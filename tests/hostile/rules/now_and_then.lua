-- error: fails in every other snapshot, so never three times in a row
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")
local n = 0

return live.derive(function()
	n = n + 1
	if n % 2 == 0 then
		error("every other time")
	end
end)
