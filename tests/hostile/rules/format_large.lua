-- memory: formats sixty megabytes
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local s = ("x"):rep(1 << 24)
	return ("%s%s%s%s"):format(s, s, s, s)
end)
