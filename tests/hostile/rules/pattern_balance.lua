-- time: looks for a pair that is never closed
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	("("):rep(300000):find("%b()")
end)
