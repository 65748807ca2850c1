-- error: has a key that is not a number
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local t = {}
	t[0 / 0] = 1
end)
