-- invalid: labels with no UTF-8
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.label(function()
	return { hostile = "\255\192\128" }
end)
