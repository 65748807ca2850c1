-- error: asks for the 2^62 largest flows
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function(snapshot)
	snapshot:top(1 << 62, "bytes")
end)
