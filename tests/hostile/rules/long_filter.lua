-- time: loops in filter, with all steps
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.filter(function()
	while true do end
end)
