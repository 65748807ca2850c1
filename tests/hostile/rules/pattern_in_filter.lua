-- time: backtracks in filter
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.filter(function()
	return ("a"):rep(30000):match((".-"):rep(20) .. "b") == nil
end)
