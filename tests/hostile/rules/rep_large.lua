-- memory: repeats a megabyte
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	return ("x"):rep(1 << 20):rep(100)
end)
