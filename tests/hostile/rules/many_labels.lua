-- none: emits more series than it may
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function(snapshot, emit)
	for i = 1, 10000 do
		emit("xdp_netflow_hostile", i, { kind = "k" .. i })
	end
end)
