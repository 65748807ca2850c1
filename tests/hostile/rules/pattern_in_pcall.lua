-- time: backtracks where errors are caught
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	while true do
		pcall(string.find, ("a"):rep(30000), (".-"):rep(20) .. "b")
	end
end)
