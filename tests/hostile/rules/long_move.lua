-- time: moves 2^39 entries, with all steps
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	table.move({}, 1, 1 << 39, 2)
end)
