-- memory: keeps long texts
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local t = {}
	while true do
		t[#t + 1] = ("0123456789"):rep(6000)
	end
end)
