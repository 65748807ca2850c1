-- invalid: labels with what is not a number
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.label(function()
	return { hostile = 0 / 0 }
end)
