-- time: loops in label, with all steps
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.label(function()
	while true do end
end)
