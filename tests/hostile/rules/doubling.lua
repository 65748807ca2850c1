-- memory: doubles a text without end
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local s = "x"
	while true do
		s = s .. s
	end
end)
