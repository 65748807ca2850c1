-- steps: catches the end of its memory, again and again
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	while true do
		pcall(function()
			local t = {}
			while true do
				t[#t + 1] = ("0123456789"):rep(60000) .. #t
			end
		end)
	end
end)
