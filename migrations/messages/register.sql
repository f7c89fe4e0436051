select baton.allow('message-callbacks', 'record_delivery', 'record_opt_out', 'record_refused_callback');
