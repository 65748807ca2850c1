-- time: matches by a pattern that backtracks
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	("a"):rep(30000):find((".-"):rep(20) .. "b")
end)
