-- error: unpacks 2^40 results
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	table.unpack({}, 1, 1 << 40)
end)
