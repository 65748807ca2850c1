-- memory: doubles a text in filter
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.filter(function()
	local s = "x"
	while true do
		s = s .. s
	end
end)
