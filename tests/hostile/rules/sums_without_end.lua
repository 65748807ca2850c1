-- steps: sums without end
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function(snapshot)
	while true do
		snapshot:sum_by("src", "dst", "sport", "dport")
	end
end)
