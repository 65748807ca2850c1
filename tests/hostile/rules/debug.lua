-- error: reaches for the registry
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	debug.getregistry()
end)
