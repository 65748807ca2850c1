-- steps: moves 2^40 entries, again and again
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	while true do
		pcall(table.move, {}, 1, 1 << 40, 2)
	end
end)
