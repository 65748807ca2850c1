-- time: backtracks in label
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.label(function()
	return { hostile = ("a"):rep(30000):match((".-"):rep(20) .. "b") or "none" }
end)
