-- steps: counts without end
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function(snapshot)
	while true do
		snapshot:count_distinct("src", "dst")
	end
end)
