-- time: replaces by a pattern that backtracks
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	("x"):rep(4000):gsub(("x*"):rep(20) .. "y", "")
end)
