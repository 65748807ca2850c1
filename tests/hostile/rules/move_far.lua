-- steps: moves 2^40 entries
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	table.move({}, 1, 1 << 40, 2)
end)
