-- memory: doubles a text in label
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.label(function()
	local s = "x"
	while true do
		s = s .. s
	end
end)
