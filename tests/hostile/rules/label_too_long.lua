-- invalid: labels with a megabyte
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.label(function()
	return { hostile = ("x"):rep(1 << 20) }
end)
