-- error: raises a megabyte
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	error(("x"):rep(1 << 20))
end)
