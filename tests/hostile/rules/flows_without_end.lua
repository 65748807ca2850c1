-- steps: goes through the flows without end
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function(snapshot)
	while true do
		for flow in snapshot:flows() do
			local _ = flow.bytes
		end
	end
end)
