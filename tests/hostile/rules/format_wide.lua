-- error: formats to a width of 99999
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	return ("%99999d"):format(1)
end)
