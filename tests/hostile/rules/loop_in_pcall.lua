-- steps: loops where errors are caught
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	pcall(function() while true do end end)
end)
