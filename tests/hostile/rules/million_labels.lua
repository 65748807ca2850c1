-- steps: emits a million series
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function(snapshot, emit)
	for i = 1, 1000000 do
		emit("xdp_netflow_hostile", i, { kind = "k" .. i })
	end
end)
