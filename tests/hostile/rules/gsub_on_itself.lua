-- memory: replaces each byte by two
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local s = "x"
	while true do
		s = s:gsub(".", "%0%0")
	end
end)
